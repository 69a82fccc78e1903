"""How the bundled models were made, each step a command that goes on where it stopped.

``python -m mlip_core.training <command> --settings assets/models/<name>.settings.yaml --folder <work folder>``

1. ``generate``   relaxes the crystals with the teacher and counts the structures
2. ``label``      the teacher's energy, forces and stress; ``--worker k --workers n`` shares the work.
   ``unpack`` takes the labels that ship (``assets/models/labels.extxyz.xz``) instead
3. ``train``      metatrain, stage after stage; a killed run goes on from its last checkpoint.
   It begins with random weights, or with those of an exported model that the settings name, which may
   then learn elements that it did not know
4. ``export``     the best checkpoint of the last stage becomes ``assets/models/<name>.pt``
5. ``evaluate``   measures it beside the teacher and writes ``assets/models/<name>.yaml``
"""
