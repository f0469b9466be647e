"""What people read: terminal tables, figures and the page."""
