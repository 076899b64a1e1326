"""What connectors of calendars have in common: the mirror's tables, what tools take and give back, what is approved."""
