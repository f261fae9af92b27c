package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.engine.Dropout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The arguments of one launch as they lie in memory: Integer as {@code int}, Long as {@code long long} or a pointer, Float
 * as {@code float}, Double as {@code double}, a {@link CudaTensor} as its address, null as a null pointer, and a
 * {@link Dropout} as the struct of the same name in common.cuh. Each begins at a multiple of 8 bytes.
 */
final class Arguments {
    private static final int ALIGNMENT = 8;
    /** The largest: a dropout. */
    private static final int DROPOUT_BYTES = 112;

    private static final Philox NO_NUMBERS = new Philox(0, 0, 0, 0);

    private final Object[] values;
    private final int[] offsets;
    private final byte[] bytes;

    private Arguments(Object[] values) {
        this.values = values;
        this.offsets = new int[values.length];
        int end = 0;
        for (int i = 0; i < values.length; i++) {
            offsets[i] = end;
            end += values[i] instanceof Dropout ? DROPOUT_BYTES : ALIGNMENT;
        }
        this.bytes = new byte[end];
        ByteBuffer target = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        for (int i = 0; i < values.length; i++) {
            put(target.position(offsets[i]), values[i]);
        }
    }

    /** The arguments of a launch. */
    static Arguments of(Object... values) {
        return new Arguments(values);
    }

    private static void put(ByteBuffer target, Object argument) {
        if (argument == null) {
            target.putLong(0);
        } else if (argument instanceof CudaTensor tensor) {
            target.putLong(tensor.address());
        } else if (argument instanceof Integer number) {
            target.putInt(number);
        } else if (argument instanceof Long number) {
            target.putLong(number);
        } else if (argument instanceof Float number) {
            target.putFloat(number);
        } else if (argument instanceof Double number) {
            target.putDouble(number);
        } else if (argument instanceof Dropout dropout) {
            put(target, dropout);
        } else {
            throw new IllegalArgumentException("no kernel takes a " + argument.getClass());
        }
    }

    private static void put(ByteBuffer target, Dropout dropout) {
        Philox source = dropout.active() ? dropout.source() : NO_NUMBERS;
        for (int key : source.roundKeys()) {
            target.putInt(key);
        }
        target.putInt(source.step());
        target.putInt(source.streamAndLayer());
        target.putLong(dropout.firstRow());
        target.putInt(dropout.firstPlane());
        target.putInt(dropout.totalPlanes());
        target.putInt(dropout.threshold() << Short.SIZE);
        target.putFloat(dropout.active() ? (float) dropout.scale() : 0);
    }

    /** The arguments for a person: tensors by type and shape. */
    @Override
    public String toString() {
        return Arrays.stream(values)
                .map(value -> value instanceof Dropout dropout ? "dropout " + dropout.rate() : String.valueOf(value))
                .collect(Collectors.joining(", ", "(", ")"));
    }

    private static char kind(Object argument) {
        if (argument instanceof Integer) {
            return 'i';
        }
        if (argument instanceof Float) {
            return 'f';
        }
        if (argument instanceof Double) {
            return 'd';
        }
        return argument instanceof Dropout ? 's' : 'l';
    }

    /** A letter each: i int, l long long or a pointer, f float, d double, s a struct. */
    String kinds() {
        StringBuilder kinds = new StringBuilder();
        for (Object value : values) {
            kinds.append(kind(value));
        }
        return kinds.toString();
    }

    int count() {
        return values.length;
    }

    /** Where argument {@code index} begins in {@link #bytes}. */
    int offset(int index) {
        return offsets[index];
    }

    /** The bytes of argument {@code index}. */
    int size(int index) {
        return switch (kind(values[index])) {
            case 'i' -> Integer.BYTES;
            case 'f' -> Float.BYTES;
            case 's' -> DROPOUT_BYTES;
            default -> Long.BYTES;
        };
    }

    /** All arguments; not to be changed. */
    byte[] bytes() {
        return bytes;
    }

    /** Whether a kernel cannot tell them apart. */
    boolean sameAs(Arguments other) {
        return Arrays.equals(bytes, other.bytes);
    }
}
