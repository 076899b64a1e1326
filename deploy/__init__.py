"""How the house is set up and run: permissions, provisioning, the supervisor, images."""
