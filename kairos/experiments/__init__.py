"""What experiments showed: reads decisions, feedback and interactions, and estimates what the arms of a layer did to their users."""
