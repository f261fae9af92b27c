package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** ND4J's CPU backend: its buffers, and the OpenBLAS that comes with it. */
final class Nd4jNative implements HostLibrary {
    private Nd4jNative() {}

    static HostLibrary open() {
        Nd4j.getExecutioner(); // loads the backend's libraries before OpenBLAS's own symbols are asked for
        OpenBlas.threads(1);
        return new Nd4jNative();
    }

    @Override
    public String name() {
        return Nd4j.getBackend().getClass().getSimpleName();
    }

    @Override
    public Memory allocate(DType type, long size) {
        DataBuffer buffer = Nd4j.createBuffer(dataType(type), Math.max(size, 1), false);
        return new Memory(buffer.addressPointer(), buffer::close);
    }

    private static DataType dataType(DType type) {
        return switch (type) {
            case FLOAT64 -> DataType.DOUBLE;
            case FLOAT32 -> DataType.FLOAT;
            case BFLOAT16 -> DataType.BFLOAT16;
            case INT32 -> DataType.INT;
            case INT64 -> DataType.LONG;
        };
    }

    @Override
    public Multiplier products() {
        return OpenBlas::product;
    }
}
