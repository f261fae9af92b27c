package dev.sparkswitch.arrow;

/** How a shard is compared with its manifest before its first row is read. */
public enum Checks {
    /** Size, checksum and structure: reads the whole shard once. */
    CHECKSUMS,
    /** Size and structure alone, where something below verifies the bytes. */
    SIZES
}
