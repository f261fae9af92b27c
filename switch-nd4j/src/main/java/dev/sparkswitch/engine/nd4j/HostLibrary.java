package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.DType;
import org.bytedeco.javacpp.Pointer;

/** Where the engine on the host has its memory and its products from. */
interface HostLibrary {
    /** What it is called in a log line. */
    String name();

    /** Memory for {@code size} elements, with any content. */
    Memory allocate(DType type, long size);

    /** Products that any number of threads take at the same time, each its own. */
    Multiplier products();

    /** Products of weights, whose two factors are large. */
    default Multiplier productsOfWeights() {
        return products();
    }

    /** The one on the class path: ND4J's CPU backend, or its CUDA backend where that was put there. */
    static HostLibrary here() {
        return Nd4jCard.isHere() ? Nd4jCard.open() : Nd4jNative.open();
    }

    /**
     * Memory that stays where it is.
     *
     * @param address of its first element
     * @param release gives it back, once
     */
    record Memory(Pointer address, Runnable release) {}
}
