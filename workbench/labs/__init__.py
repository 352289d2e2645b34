"""Labs in the workbench: each thing is a `Work` that shows its plan before it is done.

work desk                  what can be done, and how it is planned, shown and done beside the screen
menu forms                 the menu, and the forms in it
plan_dialog form_dialog    their screens
labs                       menu and dojo as the app has them, loaded when they are called
dojo rounds                the game of finding a fault
project                    the Compose files that a person names
source                     a standing lab as a source of snapshots
"""
