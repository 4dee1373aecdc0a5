-- A flush adds a small part to the one great part of the counters. By default such a part is merged with
-- the great one at once, alone, so that every flush wrote all counters anew; now five of them are.
ALTER TABLE counters MODIFY SETTING merge_selector_enable_heuristic_to_remove_small_parts_at_right = 0;
