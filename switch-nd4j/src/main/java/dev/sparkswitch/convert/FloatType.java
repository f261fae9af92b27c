package dev.sparkswitch.convert;

import dev.sparkswitch.checkpoint.SafetensorsType;

/** The element types in which a model can be written. */
public enum FloatType {
    FLOAT32(SafetensorsType.F32),
    BF16(SafetensorsType.BF16),
    FLOAT16(SafetensorsType.F16);

    private final SafetensorsType stored;

    FloatType(SafetensorsType stored) {
        this.stored = stored;
    }

    /** The type in a file. */
    public SafetensorsType stored() {
        return stored;
    }
}
