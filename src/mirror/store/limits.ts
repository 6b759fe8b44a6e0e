/**
 * How large a collection may be in its key's own block. Above, it gets structures of its own.
 *
 * @module
 */

/** Bytes of its items. */
export const MAX_PACKED_BYTES = 8192;
/** Fields of a hash and members of a set, which are looked through one by one. */
export const MAX_PACKED_FIELDS = 512;
/** Members of a sorted set and elements of a list. */
export const MAX_PACKED_ITEMS = 256;
