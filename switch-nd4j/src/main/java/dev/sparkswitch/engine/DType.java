package dev.sparkswitch.engine;

/** The element types of tensors. */
public enum DType {
    FLOAT64(8),
    FLOAT32(4),
    BFLOAT16(2),
    INT32(4),
    INT64(8);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** The size of an element in bytes. */
    public int bytes() {
        return bytes;
    }
}
