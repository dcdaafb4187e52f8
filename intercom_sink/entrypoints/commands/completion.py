"""`intercom-sink completion`: a script that completes commands, options and their values in bash or zsh.

The script is made from the parser, and holds every word, so completing one does not start Python.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping

from intercom_sink.entrypoints.commands import Commands, Parser
from intercom_sink.entrypoints.output import print_result

_ZSH = "autoload -Uz compinit bashcompinit && compinit && bashcompinit"
"""What lets zsh use bash's completion functions (https://zsh.sourceforge.io/Doc/Release/Completion-System.html)."""

_SCRIPT = """\
_intercom_sink() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" command="" words="" index
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$command ${{COMP_WORDS[index]}}" in
            {commands}) command+=" ${{COMP_WORDS[index]}}" ;;
        esac
    done
    case "$command $previous" in
{values}
        *) case "$command" in
{words}
        esac ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _intercom_sink intercom-sink"""
"""Where no word fits, `-o default` completes names of files."""


def add_parser(commands: Commands) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser(
        "completion",
        description="Prints a script for bash or zsh that completes commands, options and their values.",
        examples='eval "$(intercom-sink completion bash)"  # in ~/.bashrc\n'
        'eval "$(intercom-sink completion zsh)"   # in ~/.zshrc\n'
        "intercom-sink completion bash > /usr/share/bash-completion/completions/intercom-sink",
    )
    parser.add_argument("shell", choices=["bash", "zsh"], help="the shell")
    parser.set_defaults(execute=execute)


def execute(arguments: Namespace, environ: Mapping[str, str]) -> bool:
    """Prints the script; returns whether it could be printed."""
    from intercom_sink.entrypoints.parser import build_parser  # it imports the commands, and this is one

    script = completion_script(build_parser())
    return print_result([_ZSH, script] if arguments.shell == "zsh" else [script])


def completion_script(parser: Parser) -> str:
    """A bash script that completes the command line of a parser."""
    parsers = dict(_walk("", parser))
    return _SCRIPT.format(
        commands="|".join(f"'{command}'" for command in parsers if command),
        words="\n".join(
            f"            '{command}') words='{' '.join(_words(of))}' ;;" for command, of in parsers.items()
        ),
        values="\n".join(
            f"        '{command} {option}') words='{' '.join(choices)}' ;;"
            for command, of in parsers.items()
            for option, choices in _options_with_a_value(of)
        ),
    )


def _walk(command: str, parser: Parser) -> Iterator[tuple[str, Parser]]:
    """Each command, with a space before each of its words, and its parser."""
    yield command, parser
    for name, subparser in parser.subcommands.items():
        yield from _walk(f"{command} {name}", subparser)


def _words(parser: Parser) -> Iterator[str]:
    """What may follow a command: subcommands, arguments of a few values, options."""
    yield from parser.subcommands
    for argument in parser.arguments:
        yield from argument.option_strings or map(str, argument.choices or ())


def _options_with_a_value(parser: Parser) -> Iterator[tuple[str, list[str]]]:
    """Each option that takes a value, and the values, where they are few."""
    for argument in parser.arguments:
        for option in argument.option_strings:
            if argument.nargs != 0:
                yield option, list(map(str, argument.choices or ()))
