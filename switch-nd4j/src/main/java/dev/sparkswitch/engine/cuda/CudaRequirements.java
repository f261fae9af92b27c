package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;

/** What the CUDA engine needs of a host, and what it says where that is missing. */
final class CudaRequirements {
    private static final int OLDEST_BINDINGS = 13;
    /** CUDA 13.0, which the bindings' libraries need, as the driver counts. */
    private static final int OLDEST_DRIVER = 13_000;
    /** Ampere: the first with bfloat16 tensor cores and asynchronous copies. */
    private static final int OLDEST_CAPABILITY = 80;

    private static final int THOUSAND = 1000;
    private static final int TEN = 10;

    private CudaRequirements() {}

    /**
     * Refuses bindings of an older CUDA, such as those that ND4J's CUDA backend needs.
     *
     * @param version as in 13.1-9.19-1.5.13: of CUDA, cuDNN and JavaCPP
     */
    static void bindings(String version) {
        String cuda = version.substring(0, version.indexOf('-'));
        if (Integer.parseInt(cuda.substring(0, cuda.indexOf('.'))) < OLDEST_BINDINGS) {
            throw new ResourceException("this installation has the bindings of CUDA " + cuda
                    + " (Maven profile nd4j-cuda), and the engine cuda needs those of CUDA " + OLDEST_BINDINGS
                    + ": take the sparkswitch.jar that is built without the profile, or choose the engine nd4j");
        }
    }

    static ResourceException librariesMissing(String reason, LinkageError cause) {
        return new ResourceException(
                "the CUDA libraries cannot be loaded (" + reason
                        + "): install an NVIDIA driver from 580 on and CUDA 13's libcudart, libnvrtc and libcublasLt,"
                        + " or choose the engine nd4j",
                cause);
    }

    static ResourceException noCard() {
        return new ResourceException("there is no CUDA card on this machine: choose the engine nd4j");
    }

    /**
     * Refuses an older driver.
     *
     * @param version the newest CUDA that it supports: a thousand times the major and ten times the minor version
     */
    static void driver(int version) {
        if (version < OLDEST_DRIVER) {
            throw new ResourceException("the NVIDIA driver supports CUDA " + cuda(version)
                    + ", and this engine needs " + cuda(OLDEST_DRIVER) + ": install a driver from 580 on, or choose"
                    + " the engine nd4j");
        }
    }

    private static String cuda(int number) {
        return number / THOUSAND + "." + number % THOUSAND / TEN;
    }

    /**
     * Refuses an older card.
     *
     * @param capability ten times the major compute capability and the minor
     */
    static void card(String name, int capability) {
        if (capability < OLDEST_CAPABILITY) {
            throw new ResourceException("the card " + name + " has compute capability " + capability / TEN + "."
                    + capability % TEN + ", and this engine needs 8.0 (Ampere) or later: choose the engine nd4j");
        }
    }

    /**
     * Refuses a number beyond the last card.
     *
     * @param card from 0
     * @param count the cards that the process sees
     */
    static void number(int card, int count) {
        if (card >= count) {
            // No reason to compute on the processor instead: there are cards.
            throw new UserException("this process sees " + count + " CUDA cards, and number " + card
                    + " (from 0) is asked for: lower cluster.first-card, cluster.ranks or a study's side-by-side, or see"
                    + " CUDA_VISIBLE_DEVICES");
        }
    }
}
