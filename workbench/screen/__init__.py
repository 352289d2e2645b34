"""What is on the screen: panes, lines around them, and dialogs over them.

shown walked panes cross_pane rules_pane    the four panes, how one lights the others, and how a packet walks
header banner time_strip footer notice_line prompt line_input offers    the lines around them
dialogs menu grid timeline help palette progress    what lies over them
fault_barrier glyphs role_styles           what all of them share
"""
