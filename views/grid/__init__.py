"""Who reaches what: a grid of ports by places, with the reason of the cell under the cursor.

table     the matrix as rows and columns of cells, beside an earlier one
widget    the grid on the screen
"""
