"""Results that last: whose they are, how to find them again, and when they go."""

from humanav.store.local import Kept, Store, Swept
from humanav.store.record import Record, id_of, is_id, new_key, owner_of
from humanav.store.settings import data_folder, open_store

__all__ = ["Kept", "Record", "Store", "Swept", "data_folder", "id_of", "is_id", "new_key", "open_store", "owner_of"]
