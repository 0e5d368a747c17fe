// The corners of the application, and what one can do in each with an item.
import { money } from "./format.js";

export const CORNERS = {
  shop: { name: "Shop", title: "The shop", tagline: "Look around, or put something in the cart. A moment later Kairos decides whether that is worth a push.", look: "Look at" },
  news: { name: "News", title: "The news", tagline: "Read what interests you. Breaking news may find you, too.", look: "Read" },
  social: { name: "Social", title: "Your people", tagline: "Like, and follow those who post: you hear of what they do next.", look: "See" },
};

// [name, interaction, what is said afterwards, further fields]
const CART = { key: "cart", name: "Add to cart", type: "CART", done: "In your cart" };
const SAVE = { key: "save", name: "Save", type: "FAVOURITE", done: "Saved" };
const BUY = { key: "buy", name: "Buy", type: "PURCHASE", done: "Bought", fields: (item) => ({ quantity: 1, value: item.price ?? 0, currency: item.currency || "EUR" }) };
const LIKE = { key: "like", name: "Like", type: "LIKE", done: "Liked" };
const SHARE = { key: "share", name: "Share", type: "SHARE", done: "Shared" };
const FOLLOW = { key: "follow", name: "Follow", type: "FOLLOW", done: "Following", fields: (item) => ({ creatorId: item.creator }) };
const DISLIKE = { key: "less", name: "Not for me", type: "DISLIKE", done: "Noted" };

export const ON_CARD = { shop: [CART], news: [SAVE], social: [LIKE, FOLLOW] };
export const IN_DIALOG = { shop: [CART, BUY, SAVE, DISLIKE], news: [SAVE, SHARE, DISLIKE], social: [LIKE, FOLLOW, SHARE, DISLIKE] };
export { BUY };

export function kindOf(item) {
  return [...(item.categories ?? [])].join(" · ");
}

export function priceOf(item) {
  if (item.price === null || item.price === undefined) return null;
  const reduced = item.listPrice && item.listPrice > item.price;
  return { now: money(item.price, item.currency), before: reduced ? money(item.listPrice, item.currency) : "", less: reduced ? `−${Math.floor(100 * (1 - item.price / item.listPrice))} %` : "" };
}
