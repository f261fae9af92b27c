package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a device's products understand {@link Product.Mask} as it is meant: one small product, looked at. */
final class MaskProbe {
    private static final Logger LOG = LoggerFactory.getLogger(MaskProbe.class);
    private static final int ROWS = 64;
    private static final int COLUMNS = 2 * Product.Mask.BITS;
    private static final int COUNT = 2;
    private static final short ONE = (short) (Float.floatToIntBits(1) >>> Short.SIZE);

    private MaskProbe() {}

    /** Two products of ones, [64, 64] by [64, 256], under a mask without pattern. */
    static boolean passes(Device device) {
        long factors = device.allocate((long) COUNT * ROWS * COLUMNS * Short.BYTES);
        long results = device.allocate((long) COUNT * ROWS * COLUMNS * Short.BYTES);
        long bits = device.allocate(COUNT * ROWS * COLUMNS / Byte.SIZE);
        try {
            return factors != 0 && results != 0 && bits != 0 && passes(device, factors, results, bits);
        } catch (InternalException e) {
            LOG.info("no products under masks: {}", e.getMessage());
            return false;
        } finally {
            for (long address : new long[] {factors, results, bits}) {
                if (address != 0) {
                    device.free(address);
                }
            }
        }
    }

    private static boolean passes(Device device, long factors, long results, long bits) {
        ByteBuffer ones =
                ByteBuffer.allocateDirect(COUNT * ROWS * COLUMNS * Short.BYTES).order(ByteOrder.nativeOrder());
        while (ones.hasRemaining()) {
            ones.putShort(ONE);
        }
        device.upload(factors, ones.flip());
        ByteBuffer mask = ByteBuffer.allocateDirect(COUNT * ROWS * COLUMNS / Byte.SIZE);
        for (int i = 0; mask.hasRemaining(); i++) {
            // The high bits of Knuth's multiplicative hash
            mask.put((byte) (i * 0x9E3779B1 >>> 24));
        }
        device.upload(bits, mask.flip());
        Product.Operand a = new Product.Operand(factors, DType.BFLOAT16, ROWS, (long) ROWS * ROWS, Product.Turn.NONE);
        Product.Operand b =
                new Product.Operand(factors, DType.BFLOAT16, COLUMNS, (long) ROWS * COLUMNS, Product.Turn.NONE);
        Product.Operand c =
                new Product.Operand(results, DType.BFLOAT16, COLUMNS, (long) ROWS * COLUMNS, Product.Turn.NONE);
        device.multiply(new Product(ROWS, COLUMNS, ROWS, 0.5, a, b, 0, c, COUNT, new Product.Mask(bits)));
        ByteBuffer found =
                ByteBuffer.allocateDirect(COUNT * ROWS * COLUMNS * Short.BYTES).order(ByteOrder.nativeOrder());
        device.download(results, found);
        for (int i = 0; i < COUNT * ROWS * COLUMNS; i++) {
            boolean passes = (mask.get(i / Byte.SIZE) >> i % Byte.SIZE & 1) != 0;
            float value = Float.intBitsToFloat(found.getShort(i * Short.BYTES) << Short.SIZE);
            if (value != (passes ? 0.5f * ROWS : 0)) {
                LOG.info("no products under masks: element {} of a trial is {}", i, value);
                return false;
            }
        }
        return true;
    }
}
