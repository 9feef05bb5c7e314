//! Renders mismatches and bodies as text that shows every difference.
