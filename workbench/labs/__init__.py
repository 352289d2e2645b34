"""Labs in the workbench: what is done to them, looked at before it is done, and the menu and forms that ask."""
