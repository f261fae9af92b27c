package dev.sparkswitch.engine;

import java.nio.ByteBuffer;

/** A tensor whose memory the host can read and write as it stands. */
public interface HostAddressable {
    /** The contents in native byte order; changes go through. */
    ByteBuffer bytes();
}
