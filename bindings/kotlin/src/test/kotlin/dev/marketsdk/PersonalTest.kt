package dev.marketsdk

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.io.File
import java.lang.reflect.Constructor
import java.lang.reflect.Modifier
import java.lang.reflect.ParameterizedType
import java.lang.reflect.Proxy
import java.lang.reflect.Type
import java.math.BigDecimal
import java.net.URI
import java.time.Duration
import java.time.Instant

/** Every record there is, filled with texts that are recognised when they are printed. */
class PersonalTest {
    /** Of these, every text is the shop's or the developer's own. */
    private val shown =
        setOf("CartLine", "ClientConfig", "FieldError", "LogRecord", "MarketInfo", "Money", "OrderLine", "Product", "SessionStore.File") +
            setOf("Market.Unknown", "OrderStatus.Unknown")
    private val shownFields =
        setOf("NewOrder.paymentMethod", "Order.orderNumber", "Profile.country", "Profile.currency", "Profile.language")

    private val records: List<Class<*>> =
        File("target/classes/dev/marketsdk").listFiles().orEmpty()
            .filter { it.extension == "class" }
            .map { Class.forName("dev.marketsdk.${it.nameWithoutExtension}") }
            .filter { type -> type.declaredMethods.any { it.name == "component1" } }

    @Test
    fun `p10 no record shows what is personal`() {
        assertTrue(records.size > 20, "$records")
        for (record in records) {
            val name = record.name.substringAfterLast('.').replace('$', '.')
            val printed = instance(record).toString()
            val seen = Regex("secret of ([\\w.]+)").findAll(printed).map { it.groupValues[1] }.toSet()
            val own = record.declaredFields.filter { !Modifier.isStatic(it.modifiers) }.map { it.name }
            val wrong = seen.filter { it.substringBeforeLast('.') !in shown && it !in shownFields }
            assertEquals(emptyList<String>(), wrong, "$name shows itself as $printed")
            assertTrue("3128059851" !in printed, printed)
            // And it still says what it is.
            assertTrue(own.all { "$it=" in printed }, printed)
        }
        assertTrue("secret" !in instance(NewOrder::class.java).toString().substringBefore("paymentMethod"))
    }

    private fun instance(record: Class<*>): Any {
        val constructor = record.declaredConstructors.filter { !it.isSynthetic }.maxBy(Constructor<*>::getParameterCount)
        val names = record.declaredFields.filter { !Modifier.isStatic(it.modifiers) }.map { it.name }
        val values = names.zip(constructor.genericParameterTypes).map { (name, type) -> value(record, name, type) }
        constructor.isAccessible = true
        return constructor.newInstance(*values.toTypedArray())
    }

    private fun value(
        record: Class<*>,
        field: String,
        type: Type,
    ): Any {
        if (type is ParameterizedType) {
            val element = type.actualTypeArguments.single()
            val bound = if (element is java.lang.reflect.WildcardType) element.upperBounds.single() else element
            return listOf(value(record, field, bound))
        }
        type as Class<*>
        return when {
            type == String::class.java -> "secret of ${record.name.substringAfterLast('.').replace('$', '.')}.$field"
            type == ByteArray::class.java -> ByteArray(3)
            type == Int::class.java || type == Int::class.javaObjectType -> 7
            type == Long::class.java || type == Long::class.javaObjectType -> 7L
            type == Boolean::class.java || type == Boolean::class.javaObjectType -> true
            type == BigDecimal::class.java -> BigDecimal("1.50")
            type == Instant::class.java -> Instant.EPOCH
            type == Duration::class.java -> Duration.ofSeconds(1)
            type == URI::class.java -> URI("https://shop.example/picture")
            type == SecureStore::class.java -> Proxy.newProxyInstance(type.classLoader, arrayOf(type)) { _, _, _ -> "a store" }
            type == PhoneNumber::class.java -> PhoneNumber("+13128059851")
            type.isEnum -> type.enumConstants.first()
            // The last case of a sealed class is the one that holds a text.
            Modifier.isAbstract(type.modifiers) -> instance(records.last { it.superclass == type })
            else -> instance(type)
        }
    }
}
