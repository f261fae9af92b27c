package dev.sparkswitch.engine.cuda;

import org.bytedeco.javacpp.Pointer;

/** A number as a native pointer, made once and moved, so that a step creates no objects for its operands. */
final class Address extends Pointer {
    Address at(long place) {
        address = place;
        return this;
    }
}
