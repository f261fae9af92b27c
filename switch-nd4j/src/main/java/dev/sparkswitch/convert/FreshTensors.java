package dev.sparkswitch.convert;

import dev.sparkswitch.checkpoint.SafetensorsType;
import dev.sparkswitch.checkpoint.TensorInfo;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.model.ParameterSpec;
import dev.sparkswitch.model.T5Config;
import dev.sparkswitch.train.Initializer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongToDoubleFunction;

/** Parameters that no stored model has: those that training would begin with. */
final class FreshTensors {
    private static final int PIECE = 1 << 16;

    private final T5Config config;
    private final Initializer initializer;
    private final SafetensorsType type;

    /**
     * @param config the model that the parameters are for
     * @param type in which they are handed over
     */
    FreshTensors(T5Config config, Initializer initializer, SafetensorsType type) {
        this.config = config;
        this.initializer = initializer;
        this.type = type;
    }

    /** The initial values of a parameter, drawn when its turn has come. */
    TensorSource of(ParameterSpec spec) {
        LongToDoubleFunction values = initializer.values(config, spec);
        TensorInfo info = new TensorInfo(spec.name(), SafetensorsType.F32, spec.shape());
        return new TensorSource(info, sink -> send(values, info.count(), sink)).as(type);
    }

    private static void send(LongToDoubleFunction values, long count, TensorSource.Sink sink) throws IOException {
        ByteBuffer piece =
                ByteBuffer.allocate((int) Math.min(count, PIECE) * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; i < count; ) {
            piece.clear();
            while (piece.hasRemaining() && i < count) {
                piece.putFloat((float) values.applyAsDouble(i++));
            }
            sink.accept(piece.flip());
        }
    }
}
