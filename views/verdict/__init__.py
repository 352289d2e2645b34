"""The verdict: the answer as a card, and what stands in its place before a question.

ask offers outline    a question in words, and what can stand in it; what an answer says, in sections
card banner board     the answer's lines, in its pane and in a band above all; the ports of the host before a question
detail evidence       all about a cause or a fix; what a real attempt showed
proposal              a fix before it is applied
time_strip timeline   the moments in one line, and as rows
survey history        one question from many places; what changed between two moments
"""
