// Where the panel is below the shelf, which is long: a button that leads there, and back.
import { byId } from "./dom.js";

export function jump() {
  const button = byId("jump");
  const panel = byId("panel");
  let there = false;
  const draw = () => { button.textContent = there ? "Back to the shelf" : "What Kairos believes"; };
  new IntersectionObserver(([{ isIntersecting }]) => { there = isIntersecting; draw(); }, { rootMargin: "0px 0px -50% 0px" }).observe(panel);
  button.addEventListener("click", () => (there ? byId("corner") : panel).scrollIntoView());
  draw();
}
