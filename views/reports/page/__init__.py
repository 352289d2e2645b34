"""A report as one HTML page that needs nothing but itself: no script, style, font or picture from elsewhere.

`page` is a host's, with its `answer`s; `fleet` is that of many hosts. `frame` is what is around both, `tables` and
`listing` are tables, short and long. The style and the scripts beside them are put into the page as they are. Its own
policy forbids any outside request, so a browser would refuse one even if a text of a host asked for it.
"""
