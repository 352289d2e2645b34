from views.text import Line, Span, cells, clip, fit, in_columns, matching, paragraph, squeeze, visible


def heading(text: str) -> Line:
    return Line((Span(text),))


def row(text: str) -> Line:
    return Line((Span(text),), text)


def shown(entries: list[Line], pattern: str) -> list[str]:
    return [entry.words for entry in matching(entries, pattern)[0]]


ENTRIES = [heading("forward"), row("accept web"), row("drop db"), heading("input"), row("accept ssh")]


def test_what_could_steer_a_terminal_is_one_printable_character_for_each() -> None:
    text = "a\x1b[2J\tb\x7f\x9b\u202e 漢"
    assert visible(text) == "a␛[2J␉b␡�� 漢"
    assert visible("plain") == "plain"


def test_a_filter_keeps_headings_that_still_have_rows() -> None:
    assert shown(ENTRIES, "db") == ["forward", "drop db"]


def test_an_exclamation_mark_turns_a_filter_around() -> None:
    assert shown(ENTRIES, "!accept") == ["forward", "drop db"]


def test_a_filter_ignores_case_and_counts_rows_without_headings() -> None:
    assert matching(ENTRIES, "ACCEPT")[1] == 2


def test_clipped_text_ends_in_an_ellipsis_and_fits() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"
    assert clip("abcd", 0) == ""
    assert fit("ab", 4) == "ab  "


def test_a_wide_character_takes_two_cells_wherever_a_text_is_cut_or_filled() -> None:
    assert [cells(text) for text in ("日本", "e\u0301", "web ●", "👨\u200d👩", "☁\ufe0f", "a\tb")] == [4, 1, 5, 5, 2, 3]
    assert clip("日本語", 4) == "日…"
    assert fit("日本語", 4) == "日… "
    assert squeeze("日本語の名前", 8) == "日本…前"
    assert paragraph("日本語 の 名前", 14, first="· ") == ["· 日本語 の", "  名前"]


def test_the_columns_of_a_table_are_in_line_whatever_is_in_them() -> None:
    assert list(in_columns([("日本", "a", "x"), ("web", "bc", "")])) == ["日本  a   x", "web   bc"]
    assert list(in_columns([])) == []


def test_paragraphs_indent_what_follows_below_the_first_word() -> None:
    assert paragraph("one two three", 12, first="  · ") == ["  · one two", "    three"]


def test_a_paragraph_never_breaks_a_command_at_a_hyphen() -> None:
    assert all("--dport" in line or "dport" not in line for line in paragraph("iptables --dport 80", 14))
