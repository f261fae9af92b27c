package dev.sparkswitch.engine.cuda;

/**
 * The memory that Adafactor works in.
 *
 * @param ringBytes scratch memory that parameters take in turn, at least
 * @param groups which matrices a group of blocks holds in shared memory
 */
record AdafactorMemory(long ringBytes, AdafactorGroups.Limits groups) {
    /** So little that it stays in the second-level cache. */
    static final long RING_BYTES = 8L << 20;

    /** What suits a device. */
    static AdafactorMemory of(Device device) {
        return new AdafactorMemory(
                RING_BYTES,
                Switches.isOn(Switches.ADAFACTOR_GROUPS)
                        ? AdafactorGroups.Limits.of(device)
                        : AdafactorGroups.Limits.none());
    }
}
