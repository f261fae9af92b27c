package dev.sparkswitch.collective;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Key stores with a fresh key and a certificate that it signed itself, made by the JDK's own tool. */
final class KeyStores {
    static final String PASSWORD = "of the tests alone";

    private KeyStores() {}

    static Tls.Store make(Path folder, String name) throws IOException, InterruptedException {
        Path file = folder.resolve(name + ".p12");
        if (!Files.exists(file)) {
            Process keytool = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "keytool")
                                    .toString(),
                            "-genkeypair",
                            "-alias",
                            name,
                            "-keyalg",
                            "EC",
                            "-dname",
                            "CN=" + name,
                            "-storetype",
                            "PKCS12",
                            "-keystore",
                            file.toString(),
                            "-storepass",
                            PASSWORD)
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve(name + ".log").toFile())
                    .start();
            if (!keytool.waitFor(60, TimeUnit.SECONDS) || keytool.exitValue() != 0) {
                throw new IOException(Files.readString(folder.resolve(name + ".log")));
            }
        }
        return new Tls.Store(file, "PKCS12", PASSWORD);
    }

    static Tls tls(Tls.Store keys, Tls.Store trusted) {
        return new Tls(keys, Optional.empty(), Optional.of(trusted), List.of(), List.of());
    }
}
