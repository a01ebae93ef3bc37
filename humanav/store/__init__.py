"""Results that last: whose they are, how to find them again, and when they go."""

from humanav.store.hub import open_remote, pull_result, push_result, pushed_results
from humanav.store.local import Kept, Store, Swept
from humanav.store.record import Record, id_of, is_id, new_key, owner_of
from humanav.store.remote import Remote, is_place, parse_place
from humanav.store.settings import data_folder, open_store
from humanav.store.state import StoreState, store_state

__all__ = ["Kept", "Record", "Remote", "Store", "StoreState", "Swept", "data_folder", "id_of", "is_id", "is_place",
           "new_key", "open_remote", "open_store", "owner_of", "parse_place", "pull_result", "push_result",
           "pushed_results", "store_state"]
