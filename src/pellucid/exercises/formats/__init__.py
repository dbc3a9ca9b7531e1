"""A sheet of exercises written out: Markdown, a printable page, JSON, and question banks for Moodle."""
