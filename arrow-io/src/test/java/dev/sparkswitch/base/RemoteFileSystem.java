package dev.sparkswitch.base;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/** A folder of this machine behind a scheme of its own: what is not {@code file:}, with HDFS's rule that renaming never replaces. */
public final class RemoteFileSystem extends RawLocalFileSystem {
    private static final URI NAME = URI.create("remote:///");

    /** A configuration that knows the scheme {@code remote}. */
    public static Configuration configuration() {
        Configuration configuration = new Configuration();
        configuration.set("fs.remote.impl", RemoteFileSystem.class.getName());
        return configuration;
    }

    /** The remote name of a folder of this machine. */
    public static Path path(java.nio.file.Path local) {
        return new Path("remote", "", local.toString());
    }

    /** The file system itself. */
    public static FileSystem open() {
        try {
            return FileSystem.get(NAME, configuration());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public URI getUri() {
        return NAME;
    }

    @Override
    public String getScheme() {
        return "remote";
    }

    @Override
    public boolean rename(Path from, Path to) throws IOException {
        return !exists(to) && super.rename(from, to);
    }
}
