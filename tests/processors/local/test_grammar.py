"""The grammar of requests: its file, its patterns, and what is understood by them."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.processors.local import patterns
from antiphon.processors.local.automaton import Automaton, merged
from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.numerals import duration, spelled
from antiphon.processors.local.patterns import PatternError
from antiphon.processors.local.schema import GrammarError
from antiphon.processors.local.slots import Digits, Listed, Number
from antiphon.processors.local.understanding import understand

BUILT_IN = Grammar.load()
SLOTS = {"n": Number(1, 12), "code": Digits(2, 4), "city": Listed({"new york": "New York"})}

intents = st.sampled_from(sorted(BUILT_IN.intents))
seeds = st.integers(0, 2**32 - 1)

small_patterns = st.recursive(
    st.sampled_from(("one", "two", "three", "<n>", "<city>")),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"({' | '.join(options)})"),
        st.tuples(inner, inner).map(lambda pair: f"{pair[0]} [{pair[1]}]"),
    ),
    max_leaves=6,
)


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


def readings(pattern: str, said: str) -> list[dict[str, patterns.Value]]:
    words = said.split()
    found = patterns.match(patterns.parse(pattern), words, 0, SLOTS)
    return [slots for end, slots in found if end == len(words)]


def accepts(automaton: Automaton, words: list[str]) -> bool:
    state = automaton.start
    for word in words:
        if word not in automaton.states[state]:
            return False
        state = automaton.states[state][word]
    return state in automaton.finals


def sentences(automaton: Automaton, longest: int) -> Iterator[list[str]]:
    waiting: list[tuple[int, list[str]]] = [(automaton.start, [])]
    while waiting:
        state, words = waiting.pop()
        if state in automaton.finals:
            yield words
        if len(words) < longest:
            waiting += [(to, [*words, word]) for word, to in automaton.states[state].items()]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("what (is | was) it [now]", "what was it"),
        ("what (is | was) it [now]", "what is it now"),
        ("[very] (good | [really] bad)", "very really bad"),
        ("what's up", "whats up"),
    ],
)
def test_a_pattern_is_matched_by_what_it_spells(pattern: str, said: str) -> None:
    assert readings(pattern, said) == [{}]


def test_a_pattern_is_not_matched_by_part_of_it() -> None:
    assert readings("what (is | was) it", "what is") == []


@pytest.mark.parametrize(
    ("pattern", "said", "slots"),
    [
        ("to <city>", "to new york", {"city": "New York"}),
        ("<n:first> and <n:second>", "3 and twelve", {"first": 3, "second": 12}),
        ("<code>", "oh four two", {"code": "042"}),
        ("<code>", "4217", {"code": "4217"}),
        ("<code>", "42 1 seven", {"code": "4217"}),
    ],
)
def test_a_slot_holds_what_was_said_in_it(
    pattern: str, said: str, slots: dict[str, patterns.Value]
) -> None:
    assert readings(pattern, said) == [slots]


@pytest.mark.parametrize("said", ["13", "0", "one hundred"])
def test_a_number_outside_of_its_range_is_not_understood(said: str) -> None:
    assert readings("<n>", said) == []


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(one | two", "')' is missing"),
        ("one ]", "closes nothing"),
        ("Hello", "'Hello' cannot be said: write words in small letters"),
        ("at 5", "'5' cannot be said"),
        ("<City>", "'<City>' cannot be said"),
        ("[maybe]", "without a word"),
        ("one | ", "without a word"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_why(pattern: str, problem: str) -> None:
    with pytest.raises(PatternError) as raised:
        patterns.parse(pattern)

    assert problem in str(raised.value)


@given(small_patterns, seeds)
def test_what_a_pattern_can_say_its_automaton_accepts(text: str, seed: int) -> None:
    pattern = patterns.parse(text)

    said = patterns.example(pattern, SLOTS, random.Random(seed))

    assert accepts(merged([pattern], SLOTS), said.split())


@given(small_patterns)
def test_what_an_automaton_accepts_its_pattern_can_say(text: str) -> None:
    pattern = patterns.parse(text)

    for words in sentences(merged([pattern], SLOTS), longest=3):
        assert readings(text, " ".join(words))


def test_an_automaton_shares_what_sentences_have_in_common() -> None:
    said = [patterns.parse(f"what is the {thing} now") for thing in ("time", "date", "sum")]

    automaton = merged(said, {})

    assert len(automaton.states) == 6


@given(intents, seeds)
def test_each_sentence_of_the_grammar_is_understood_as_its_intent(intent: str, seed: int) -> None:
    said = BUILT_IN.example(intent, random.Random(seed))

    heard = understand(BUILT_IN, said)

    assert (heard.intent, heard.confidence) == (intent, 1.0)


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("What's the weather like in Paris?", "weather", {"city": "Paris"}),
        ("WHATS THE WEATHER IN NEW YORK", "weather", {"city": "New York"}),
        ("Hey bot, tell me the weather in São Paulo or Oslo", None, {}),
        ("Hm, what is the weather in Oslo then?", "weather", {"city": "Oslo"}),
        ("Could you please set a timer for 5 minutes?", "set_timer", {"minutes": 5}),
        ("start a 45 minute timer, please", "set_timer", {"minutes": 45}),
        ("set a timer for forty-five seconds", "set_timer", {"seconds": 45}),
        ("set a timer for half an hour", "set_timer", {"seconds": 1800}),
        ("What\N{RIGHT SINGLE QUOTATION MARK}s 20 plus 22?", "add", {"first": 20, "second": 22}),
        ("Where is my order number 00421?", "order", {"order": "00421"}),
        ("my name is Clara", "introduction", {"person": "Clara"}),
    ],
)
def test_written_requests_are_understood_as_people_write_them(
    text: str, intent: str | None, slots: dict[str, patterns.Value]
) -> None:
    heard = understand(BUILT_IN, text)

    assert (heard.intent, heard.slots, heard.text) == (intent, slots, text)


@pytest.mark.parametrize(
    "text", ["", "?!", "the moon is made of green cheese", "yes " + "ah " * 90]
)
def test_what_is_no_request_has_no_intent(text: str) -> None:
    assert understand(BUILT_IN, text).intent is None


def test_a_request_among_too_many_other_words_is_only_the_nearest() -> None:
    heard = understand(BUILT_IN, "yes I think that the moon is made of cheese")

    assert (heard.intent, heard.nearest) == (None, "yes")


def test_words_of_a_request_name_the_nearest_intent() -> None:
    assert understand(BUILT_IN, "any jokes? some joke!").nearest == "joke"


def test_a_file_adds_to_the_built_in_grammar_and_comes_first(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        without = ["joke"]

        [[slot]]
        name = "drink"
        values = ["Tea", "Coffee"]

        [[intent]]
        name = "order_drink"
        say = ["(a | some) <drink> please", "hello"]
        replies = ["One {drink}."]

        [[intent]]
        name = "goodbye"
        say = ["farewell"]
        """,
    )

    grammar = Grammar.load(file)

    assert understand(grammar, "some coffee, please").slots == {"drink": "Coffee"}
    assert understand(grammar, "hello").intent == "order_drink"
    assert understand(grammar, "farewell").intent == "goodbye"
    assert understand(grammar, "bye").intent is None
    assert understand(grammar, "tell me a joke").intent is None
    assert understand(grammar, "what time is it").intent == "time"


def test_a_file_can_stand_alone(tmp_path: Path) -> None:
    file = written(tmp_path, 'builtin = false\n[[intent]]\nname = "ping"\nsay = ["ping"]\n')

    grammar = Grammar.load(file)

    assert set(grammar.intents) == {"ping"}


def test_the_built_in_grammar_is_the_same_for_all() -> None:
    assert Grammar.load() is BUILT_IN


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[intent]", "mine.toml: Expected ']]'"),
        ("intent = 3", "mine.toml: intent: write [[intent]]"),
        ('[[intent]]\nname = "x"', "mine.toml: intent x: Object missing required field `say`"),
        ('[[intent]]\nname = "x"\nsay = "hi"', "intent x: Expected `array`, got `str`"),
        ('[[intent]]\nname = "x"\nsays = ["hi"]', "intent x: Object"),
        ('[[intent]]\nname = "x"\nsay = []', "intent x: say = [...] is empty"),
        ('[[intent]]\nname = "x"\nsay = ["(hi"]', "mine.toml: intent x: ')' is missing"),
        ('[[intent]]\nname = "x"\nsay = ["<what>"]', "intent x: no slot is called 'what'"),
        (
            '[[intent]]\nname = "x"\nsay = ["hi"]\nreplies = ["{nme}"]',
            "intent x: nothing is called 'nme' in '{nme}'",
        ),
        ('[[intent]]\nname = "x"\nsay = ["hi"]\nreplies = ["{"]', "intent x: "),
        ('[[intent]]\nname = "x"\nsay = ["hi"]\nremember = ["y"]', "intent x: remembers 'y'"),
        ('[[intent]]\nname = "x"\nsay = ["a"]\n' * 2, "mine.toml: intent x: is there twice"),
        ('[[slot]]\nname = "s"', "mine.toml: slot s: needs values"),
        ('[[slot]]\nname = "s"\nvalues = []', "slot s: needs values"),
        ('[[slot]]\nname = "s"\nnumbers = [9, 1]', "slot s: needs values"),
        (
            '[[slot]]\nname = "s"\nvalues = ["St. Louis"]',
            "slot s: 'st. louis' is not what one says",
        ),
        ('without = ["nothing"]', "without: no built-in intent is called 'nothing'"),
        ("builtin = false", "mine.toml: has no [[intent]]"),
        ("colour = 1", "mine.toml: Object contains unknown field `colour`"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(GrammarError) as raised:
        Grammar.load(written(tmp_path, text))

    assert problem in str(raised.value)
    assert raised.value.file == "mine.toml"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (45, "forty five"),
        (206, "two hundred and six"),
        (1_001, "one thousand and one"),
        (2_340_000, "two million three hundred and forty thousand"),
        (-7, "minus seven"),
    ],
)
def test_numbers_are_spelled_in_words(number: int, words: str) -> None:
    assert spelled(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (330, "5 minutes and 30 seconds"), (3_661, "1 hour, 1 minute and 1 second")],
)
def test_durations_are_told_in_their_largest_units(seconds: int, words: str) -> None:
    assert duration(seconds) == words
