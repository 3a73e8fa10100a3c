"""What runs inside a training process: it notes what is loaded and asks, before the first step, whether it may go on.

These files know nothing of Caveat but the settings in their environment, import only what Python brings along, and
only when a library that trains is imported: a process that loads no such library pays for one look-up an import.
A start-up folder on PYTHONPATH (`startup/sitecustomize.py`) brings them in.

    doors     opens when a library is imported    data, weights, files    note what is loaded, and carry the note along
    trainers  the moment of decision              steps            the same for loops of one's own
    verdicts  asks, refuses, writes down          run              what this process saw
"""
