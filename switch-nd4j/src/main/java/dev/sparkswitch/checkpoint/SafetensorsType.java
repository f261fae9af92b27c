package dev.sparkswitch.checkpoint;

import dev.sparkswitch.engine.DType;
import java.util.Optional;

/** The element types of safetensors files, little-endian. */
public enum SafetensorsType {
    F64(8),
    F32(4),
    F16(2),
    BF16(2),
    I64(8),
    I32(4),
    I16(2),
    I8(1),
    U8(1),
    BOOL(1);

    private final int bytes;

    SafetensorsType(int bytes) {
        this.bytes = bytes;
    }

    /** The size of an element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Whether it is one of the four floating-point types. */
    public boolean isFloating() {
        return switch (this) {
            case F64, F32, F16, BF16 -> true;
            case I64, I32, I16, I8, U8, BOOL -> false;
        };
    }

    /** The type that holds an engine's elements unchanged. */
    public static SafetensorsType of(DType type) {
        return switch (type) {
            case FLOAT64 -> F64;
            case FLOAT32 -> F32;
            case BFLOAT16 -> BF16;
            case INT32 -> I32;
            case INT64 -> I64;
        };
    }

    /** The type of that name in a file's header, or empty where there is none. */
    static Optional<SafetensorsType> find(String name) {
        for (SafetensorsType type : values()) {
            if (type.name().equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
