package dev.sparkswitch.base;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A sealed interface whose records are alternatives in a configuration, each with its own keys: {@link Configs} binds a section
 * to the record that the section's key {@link #value} names, in kebab-case. Without that key the first record is meant; a
 * text in place of the section names a record whose keys all have their defaults.
 */
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface Choice {
    /** The key that names the record. */
    String value();
}
