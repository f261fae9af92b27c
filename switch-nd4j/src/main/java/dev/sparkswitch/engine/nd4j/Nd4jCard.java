package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.engine.DType;
import java.nio.charset.StandardCharsets;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's CUDA backend, which the Maven profile {@code nd4j-cuda} puts on the class path: the card multiplies by weights, and
 * everything else is done on the host.
 */
final class Nd4jCard implements HostLibrary {
    private static final String BACKEND = "JCublasBackend";
    /** Ten times the compute capabilities that ND4J's library has machine code for; it holds no portable code. */
    private static final int OLDEST_CAPABILITY = 37;

    private static final int NEWEST_CAPABILITY = 89;
    private static final int NAME_BYTES = 256;
    private static final String OTHER_JAR =
            "take the sparkswitch.jar that is built without the Maven profile nd4j-cuda";

    Nd4jCard() {
        OpenBlas.threads(1);
    }

    /** Whether ND4J's CUDA backend is on the class path. */
    static boolean isHere() {
        return Nd4jCard.class.getResource("/org/nd4j/linalg/jcublas/" + BACKEND + ".class") != null;
    }

    /**
     * The library, where it runs on every card that this process sees: ND4J spreads threads over them.
     *
     * @throws ResourceException where libraries, driver or cards are missing, too old or too new
     */
    static HostLibrary open() {
        try {
            Loader.load(cudart.class);
            int[] count = new int[1];
            if (cudart.cuInit(0) != 0 || cudart.cuDeviceGetCount(count) != 0 || count[0] == 0) {
                throw new ResourceException("NVIDIA's driver finds no card for ND4J's CUDA library: see nvidia-smi and"
                        + " CUDA_VISIBLE_DEVICES, or " + OTHER_JAR);
            }
            for (int card = 0; card < count[0]; card++) {
                requireRunsOn(name(card), capability(card));
            }
            String found = Nd4j.getBackend().getClass().getSimpleName();
            if (!found.equals(BACKEND)) {
                throw new ResourceException("ND4J chose its backend " + found + " instead of " + BACKEND
                        + ": look at the lines it logged above, or " + OTHER_JAR);
            }
        } catch (LinkageError e) {
            throw new ResourceException(
                    "ND4J's CUDA library cannot be loaded (" + cause(e)
                            + "): for cards of compute capability 3.7 to 8.9 install an NVIDIA driver and CUDA 11.6's"
                            + " libraries, for newer ones " + OTHER_JAR + " and choose the engine cuda",
                    e);
        }
        return new Nd4jCard();
    }

    /**
     * Refuses a card that ND4J's library has no machine code for.
     *
     * @param capability ten times the major compute capability and the minor
     */
    static void requireRunsOn(String card, int capability) {
        if (capability >= OLDEST_CAPABILITY && capability <= NEWEST_CAPABILITY) {
            return;
        }
        throw new ResourceException("ND4J's CUDA library runs on compute capabilities 3.7 to 8.9, and the card " + card
                + " has " + capability / 10 + "." + capability % 10 + ": " + OTHER_JAR + " and choose the engine "
                + (capability > NEWEST_CAPABILITY ? "cuda" : "nd4j"));
    }

    private static String name(int card) {
        byte[] name = new byte[NAME_BYTES];
        cudart.cuDeviceGetName(name, NAME_BYTES, card);
        return new String(name, StandardCharsets.US_ASCII).trim();
    }

    private static int capability(int card) {
        return 10 * attribute(cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, card)
                + attribute(cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, card);
    }

    private static int attribute(int attribute, int card) {
        int[] value = new int[1];
        cudart.cuDeviceGetAttribute(value, attribute, card);
        return value[0];
    }

    private static String cause(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage();
    }

    @Override
    public String name() {
        return Nd4j.getBackend().getClass().getSimpleName() + ", products of weights alone";
    }

    /** The host's memory: what ND4J's backend allocates may be on a card. */
    @Override
    public Memory allocate(DType type, long size) {
        Pointer memory = Pointer.malloc(Math.max(size, 1) * type.bytes());
        if (memory.isNull()) {
            throw new ResourceException("the host has no memory left for " + size + " elements of " + type);
        }
        return new Memory(memory, () -> Pointer.free(memory));
    }

    @Override
    public Multiplier products() {
        return OpenBlas::product;
    }

    @Override
    public Multiplier productsOfWeights() {
        return new Nd4jGemm();
    }
}
