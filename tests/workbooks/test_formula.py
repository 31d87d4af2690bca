"""Formulas as text: what is understood, and what an author is told about the rest."""

import pytest

from workbooks.formulas.formula import MAX_NESTING, Binary, Call, FormulaError, Name, Number, String, Unary, parse, walk


def shape(formula: str) -> str:
    """The tree of *formula* with every operation in brackets."""

    def write(node: object) -> str:
        match node:
            case Number(value=value):
                return str(value)
            case String(value=value):
                return f"'{value}'"
            case Name(name=name):
                return name
            case Unary(operator="%", operand=operand):
                return f"({write(operand)}%)"
            case Unary(operator=operator, operand=operand):
                return f"({operator}{write(operand)})"
            case Binary(operator=operator, left=left, right=right):
                return f"({write(left)}{operator}{write(right)})"
            case Call(function=function, arguments=arguments):
                return f"{function}[{' '.join(map(write, arguments))}]"
        return str(node)

    return write(parse(formula))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("=1+2*3", "(1+(2*3))"),
        ("=-2^2", "((-2)^2)"),
        ("=2^3^2", "((2^3)^2)"),
        ("=50%*2", "((50%)*2)"),
        ("=a&b=c", "((a&b)=c)"),
        ("=1-2-3", "((1-2)-3)"),
        ("=(1-2)*3", "((1-2)*3)"),
        ("=a>=b+1", "(a>=(b+1))"),
        ("=if(a,b,c)", "IF[a b c]"),
        ("=SUM(parts.quantity)", "SUM[parts.quantity]"),
        ('="say ""hi"""', "'say \"hi\"'"),
        ("a + .5", "(a+0.5)"),
        ("=AND(\n  a>1,\n  b<2\n)", "AND[(a>1) (b<2)]"),
        ("=TODAY()", "TODAY[]"),
    ],
)
def test_operators_bind_as_in_excel(formula: str, expected: str):
    """A sign binds tighter than a power, powers go from left to right, & comes before comparisons."""
    assert shape(formula) == expected


@pytest.mark.parametrize(
    ("formula", "position"),
    [
        ("=1+", 3),
        ("=(1+2", 5),
        ("=1 2", 3),
        ("=A1:B2", 3),
        ("=AND（a,b）", 4),
        ("=a=“x”", 3),
        ('="open', 1),
        ("=IF(a,,b)", 6),
        ("={1,2}", 1),
        ("=$A$1", 1),
        ("=)", 1),
        ("", 0),
        ("=", 1),
    ],
)
def test_a_syntax_error_names_the_character(formula: str, position: int):
    """The author sees where to look, counted in the text as it was written."""
    with pytest.raises(FormulaError) as caught:
        parse(formula)

    assert caught.value.position == position
    assert formula in str(caught.value)


def test_nesting_has_excels_limit():
    """Excel refuses more than 64 levels, and a hostile formula cannot exhaust the stack."""
    parse("=" + "(" * (MAX_NESTING - 1) + "1" + ")" * (MAX_NESTING - 1))

    with pytest.raises(FormulaError, match="nesting"):
        parse("=" + "-" * 5000 + "1")


def test_a_long_formula_is_refused():
    """Excel takes at most 8192 characters."""
    with pytest.raises(FormulaError, match="longer"):
        parse("=" + "1+" * 5000 + "1")


def test_walk_visits_every_node():
    """Names, literals and operations are all found."""
    names = [node.name for node in walk(parse("=IF(a>1,-b,c%)")) if isinstance(node, Name)]

    assert names == ["a", "b", "c"]
