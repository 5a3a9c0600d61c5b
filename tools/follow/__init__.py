"""Follows the documents word by word: every command that a page shows is run, in order, as a reader would.

How a page is read, in conventions that a reader sees too:

- In a `console` block a line with `$ ` is a command, and below it stands what it prints. `…` stands for anything in its
  line; a line that is only `…` stands for any lines. Runs of spaces count as one.
- A command with nothing below it may print what it likes. It must end well, unless `# exit code N` stands behind it.
  A `curl` that is answered by an error does not end well.
- In a `bash` or `sh` block each line is a command.
- `title="Terminal 2: the store"`: another terminal, with its own directory and variables. A command there need not end:
  once it has printed what is shown it is left running. `^C` stops it.
- `title="Again …"`: a reader looks again until it is so.
- `title="crossdock.toml"` over any other block: the file is written; `title="crossdock.toml, at its end"`: added to it.
"""
