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
    private static final int MOST = 64;
    /** The largest: a dropout. */
    private static final int DROPOUT_BYTES = 112;

    private static final Philox NO_NUMBERS = new Philox(0, 0, 0, 0);

    private final ByteBuffer bytes =
            ByteBuffer.allocateDirect(MOST * DROPOUT_BYTES).order(ByteOrder.nativeOrder());
    private final int[] offsets = new int[MOST];
    private final int[] sizes = new int[MOST];
    private final StringBuilder kinds = new StringBuilder();
    private Object[] values = {};
    private int count;

    /** Takes the arguments of the next launch. */
    void set(Object... arguments) {
        values = arguments;
        bytes.clear();
        kinds.setLength(0);
        count = 0;
        for (Object argument : arguments) {
            offsets[count] = bytes.position();
            put(argument);
            sizes[count] = bytes.position() - offsets[count];
            bytes.position((bytes.position() + 7) / 8 * 8);
            count++;
        }
    }

    private void put(Object argument) {
        if (argument == null) {
            kinds.append('l');
            bytes.putLong(0);
        } else if (argument instanceof CudaTensor tensor) {
            kinds.append('l');
            bytes.putLong(tensor.address());
        } else if (argument instanceof Integer number) {
            kinds.append('i');
            bytes.putInt(number);
        } else if (argument instanceof Long number) {
            kinds.append('l');
            bytes.putLong(number);
        } else if (argument instanceof Float number) {
            kinds.append('f');
            bytes.putFloat(number);
        } else if (argument instanceof Double number) {
            kinds.append('d');
            bytes.putDouble(number);
        } else if (argument instanceof Dropout dropout) {
            kinds.append('s');
            put(dropout);
        } else {
            throw new IllegalArgumentException("no kernel takes a " + argument.getClass());
        }
    }

    private void put(Dropout dropout) {
        Philox source = dropout.active() ? dropout.source() : NO_NUMBERS;
        for (int key : source.roundKeys()) {
            bytes.putInt(key);
        }
        bytes.putInt(source.step());
        bytes.putInt(source.streamAndLayer());
        bytes.putLong(dropout.firstRow());
        bytes.putInt(dropout.firstPlane());
        bytes.putInt(dropout.totalPlanes());
        bytes.putInt(dropout.threshold() << Short.SIZE);
        bytes.putFloat(dropout.active() ? (float) dropout.scale() : 0);
    }

    /** The arguments for a person: tensors by type and shape. */
    @Override
    public String toString() {
        return Arrays.stream(values)
                .map(value -> value instanceof Dropout dropout ? "dropout " + dropout.rate() : String.valueOf(value))
                .collect(Collectors.joining(", ", "(", ")"));
    }

    /** A letter each: i int, l long long or a pointer, f float, d double, s a struct. */
    String kinds() {
        return kinds.toString();
    }

    int count() {
        return count;
    }

    /** The bytes of all arguments together. */
    int length() {
        return bytes.position();
    }

    /** Where argument {@code index} begins in {@link #bytes}. */
    int offset(int index) {
        return offsets[index];
    }

    /** The bytes of argument {@code index}. */
    int size(int index) {
        return sizes[index];
    }

    /** The memory of all arguments, from byte 0 on. */
    ByteBuffer bytes() {
        return bytes;
    }
}
