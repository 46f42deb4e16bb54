"""What a run has logged and the server has not acknowledged yet: kept in files, sent by a thread, or by ``sync``."""
