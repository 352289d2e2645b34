"""A report as one HTML page that needs nothing but itself: no script, style, font or picture from elsewhere.

`page` writes the document, `style.css` and `script.js` are put into it as they are. The page's own policy forbids any
outside request, so a browser would refuse one even if a text of the host asked for it.
"""
