package dev.sparkswitch.cluster;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.UserException;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TransportEncryptionTest {
    @Test
    void aSessionInTheClearAndOneWithAKeyStoreAreFine() {
        assertThatCode(() -> TransportEncryption.require(new SparkConf(false))).doesNotThrowAnyException();
        assertThatCode(() -> TransportEncryption.require(new SparkConf(false)
                        .set("spark.ssl.rpc.enabled", "true")
                        .set("spark.network.crypto.enabled", "true")
                        .set("spark.ssl.rpc.keyStore", "/keys.p12")))
                .doesNotThrowAnyException();
        assertThatCode(() -> TransportEncryption.require(new SparkConf(false).set("spark.authenticate", "true")))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"spark.network.crypto.enabled", "spark.authenticate.enableSaslEncryption"})
    void ranksInTheClearBesideEncryptedExecutorsAreRefused(String key) {
        assertThatThrownBy(() -> TransportEncryption.require(new SparkConf(false).set(key, "true")))
                .isInstanceOf(UserException.class)
                .hasMessageStartingWith(key + "=true encrypts Spark's traffic, but the ranks' would go in the clear")
                .hasMessageContaining("spark.ssl.rpc.enabled=true");
    }

    @Test
    void tlsWithoutAKeyStoreIsRefused() {
        assertThatThrownBy(() -> TransportEncryption.require(new SparkConf(false).set("spark.ssl.rpc.enabled", "true")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("spark.ssl.rpc.keyStore is not set");
    }
}
