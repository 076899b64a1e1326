"""What several connectors of one provider share: its pages, its errors, its customs. A module for each provider."""
