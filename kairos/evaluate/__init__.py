"""Push policies side by side on worlds whose truth is known: ``kairos evaluate``. docs/evaluation.md explains the method."""
