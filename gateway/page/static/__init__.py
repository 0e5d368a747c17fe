"""What browsers fetch: ES modules and style sheets, as they are."""
