"""Where commands, events and due duties come in: translate, call one handler, translate back."""
