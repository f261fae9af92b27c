package dev.sparkswitch.convert;

import dev.sparkswitch.base.Philox;
import dev.sparkswitch.checkpoint.SafetensorsType;
import dev.sparkswitch.checkpoint.TensorSource;
import dev.sparkswitch.train.Normal;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Normal noise on a tensor's values. */
final class Noise {
    private Noise() {}

    /**
     * w + relative * deviation(w) * n, with n normal, in the type of {@code tensor}. The tensor is read twice: once for the
     * standard deviation of its values.
     *
     * @param source of the random numbers, one an element
     */
    static TensorSource on(TensorSource tensor, double relative, Philox source) {
        TensorSource wide = tensor.as(SafetensorsType.F64);
        TensorSource noisy = new TensorSource(wide.info(), sink -> {
            double sigma = relative * deviation(wide);
            long[] element = {0};
            wide.content().send(piece -> {
                ByteBuffer from = piece.duplicate().order(ByteOrder.LITTLE_ENDIAN);
                ByteBuffer to = ByteBuffer.allocate(from.remaining()).order(ByteOrder.LITTLE_ENDIAN);
                while (from.hasRemaining()) {
                    to.putDouble(from.getDouble() + sigma * Normal.value(source, element[0]++));
                }
                sink.accept(to.flip());
            });
        });
        return noisy.as(tensor.info().type());
    }

    private static double deviation(TensorSource wide) throws IOException {
        double[] sums = new double[2];
        wide.content().send(piece -> {
            ByteBuffer from = piece.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            while (from.hasRemaining()) {
                double value = from.getDouble();
                sums[0] += value;
                sums[1] += value * value;
            }
        });
        double count = wide.info().count();
        double mean = sums[0] / count;
        return Math.sqrt(Math.max(0, sums[1] / count - mean * mean));
    }
}
