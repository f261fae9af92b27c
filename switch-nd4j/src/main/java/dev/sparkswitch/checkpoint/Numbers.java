package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import java.nio.ByteBuffer;

/** Conversion between the element types of files. */
final class Numbers {
    private Numbers() {}

    /**
     * Converts {@code count} elements, from position to position, which both advance. Floating-point targets take any
     * source, rounding to the nearest, ties to even; integer targets take integers that fit.
     *
     * @param name the tensor's name, for messages
     * @throws UserException where the target cannot hold the source
     */
    static void convert(
            String name, ByteBuffer from, SafetensorsType source, ByteBuffer to, SafetensorsType target, int count) {
        if (source == target) {
            int limit = from.limit();
            from.limit(from.position() + count * source.bytes());
            to.put(from);
            from.limit(limit);
        } else if (target.isFloating()) {
            double[] values = new double[count];
            if (source.isFloating()) {
                decodeFloats(from, source, values);
            } else {
                long[] integers = new long[count];
                decodeIntegers(from, source, integers);
                for (int i = 0; i < count; i++) {
                    values[i] = integers[i];
                }
            }
            encodeFloats(values, target, to);
        } else if (source.isFloating()) {
            throw new UserException("Tensor " + name + " holds " + source + " where " + target + " was expected.");
        } else {
            long[] values = new long[count];
            decodeIntegers(from, source, values);
            encodeIntegers(name, values, target, to);
        }
    }

    private static void decodeFloats(ByteBuffer from, SafetensorsType type, double[] values) {
        int count = values.length;
        switch (type) {
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.getDouble();
                }
            }
            case F32 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.getFloat();
                }
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = fromFloat16(from.getShort());
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = fromBfloat16(from.getShort());
                }
            }
            case I64, I32, I16, I8, U8, BOOL -> throw new IllegalArgumentException(type + " is no floating-point type");
        }
    }

    private static void encodeFloats(double[] values, SafetensorsType type, ByteBuffer to) {
        switch (type) {
            case F64 -> {
                for (double value : values) {
                    to.putDouble(value);
                }
            }
            case F32 -> {
                for (double value : values) {
                    to.putFloat((float) value);
                }
            }
            case F16 -> {
                for (double value : values) {
                    to.putShort(toFloat16((float) value));
                }
            }
            case BF16 -> {
                for (double value : values) {
                    to.putShort(toBfloat16((float) value));
                }
            }
            case I64, I32, I16, I8, U8, BOOL -> throw new IllegalArgumentException(type + " is no floating-point type");
        }
    }

    private static void decodeIntegers(ByteBuffer from, SafetensorsType type, long[] values) {
        int count = values.length;
        switch (type) {
            case I64 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.getLong();
                }
            }
            case I32 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.getInt();
                }
            }
            case I16 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.getShort();
                }
            }
            case I8 -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.get();
                }
            }
            case U8, BOOL -> {
                for (int i = 0; i < count; i++) {
                    values[i] = from.get() & 0xFF;
                }
            }
            case F64, F32, F16, BF16 -> throw new IllegalArgumentException(type + " is no integer type");
        }
    }

    private static void encodeIntegers(String name, long[] values, SafetensorsType type, ByteBuffer to) {
        for (long value : values) {
            boolean fits =
                    switch (type) {
                        case I64 -> true;
                        case I32 -> value == (int) value;
                        case I16 -> value == (short) value;
                        case I8 -> value == (byte) value;
                        case U8 -> value == (value & 0xFF);
                        case BOOL -> value == (value & 1);
                        case F64, F32, F16, BF16 -> throw new IllegalArgumentException(type + " is no integer type");
                    };
            if (!fits) {
                throw new UserException("Tensor " + name + " holds " + value + ", which " + type + " cannot hold.");
            }
            switch (type.bytes()) {
                case 8 -> to.putLong(value);
                case 4 -> to.putInt((int) value);
                case 2 -> to.putShort((short) value);
                default -> to.put((byte) value);
            }
        }
    }

    /**
     * The position among the remaining elements of the first that is infinite or not a number, or -1; the buffer's
     * position stays. Integers are always finite.
     */
    static long firstNotFinite(ByteBuffer data, SafetensorsType type) {
        int start = data.position();
        int count = data.remaining() / type.bytes();
        switch (type) {
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    if (!Double.isFinite(data.getDouble(start + 8 * i))) {
                        return i;
                    }
                }
            }
            case F32 -> {
                for (int i = 0; i < count; i++) {
                    if (!Float.isFinite(data.getFloat(start + 4 * i))) {
                        return i;
                    }
                }
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    if ((data.getShort(start + 2 * i) & 0x7C00) == 0x7C00) {
                        return i;
                    }
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    if ((data.getShort(start + 2 * i) & 0x7F80) == 0x7F80) {
                        return i;
                    }
                }
            }
            case I64, I32, I16, I8, U8, BOOL -> {
                return -1;
            }
        }
        return -1;
    }

    static float fromBfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            // Rounding could carry a NaN's low bits into an infinity: keep it quiet instead.
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }

    static float fromFloat16(short bits) {
        int sign = (bits & 0x8000) << 16;
        int exponent = bits >>> 10 & 0x1F;
        int fraction = bits & 0x3FF;
        if (exponent == 0x1F) {
            return Float.intBitsToFloat(sign | 0x7F800000 | fraction << 13);
        }
        if (exponent == 0) {
            float magnitude = fraction * 0x1p-24f;
            return sign == 0 ? magnitude : -magnitude;
        }
        return Float.intBitsToFloat(sign | exponent + 112 << 23 | fraction << 13);
    }

    static short toFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        if (Float.isNaN(value)) {
            return (short) (sign | 0x7E00 | bits >>> 13 & 0x3FF);
        }
        float magnitude = Math.abs(value);
        if (magnitude >= 65520f) {
            return (short) (sign | 0x7C00);
        }
        if (magnitude < 0x1p-14f) {
            // Subnormal: the value is a multiple of 2^-24, and rint rounds ties to even.
            return (short) (sign | (int) Math.rint((double) magnitude * 0x1p24));
        }
        int rounded = (bits & 0x7FFFFFFF) + 0xFFF + (bits >>> 13 & 1);
        return (short) (sign | (rounded >>> 13) - (112 << 10));
    }
}
