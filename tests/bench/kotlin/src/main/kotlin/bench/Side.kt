package bench

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.runBlocking
import java.io.File
import kotlin.system.exitProcess

const val PHONE = "+13128059851"
const val CODE = "123456"
private const val PIECES = 2L

/** What a program is started with. */
class Given(
    val baseUrl: String,
    val lines: Int,
    val folder: File,
)

/** One side of a comparison. `tests/bench/rust/src/lib.rs` says what it is told. */
interface Side {
    suspend fun signIn()

    suspend fun open()

    /** How many lines, and how many pieces. */
    suspend fun cart(): Pair<Int, Long>

    /** How many entries. */
    suspend fun wishlist(): Int
}

fun run(
    arguments: Array<String>,
    side: (Given) -> Side,
): Unit =
    // As an app's calls begin: on one thread, which waits for none.
    runBlocking {
        val given = Given(arguments[0], arguments[1].toInt(), File(arguments[2]))
        val client = side(given)
        if (arguments.getOrNull(3) == "start") {
            client.open()
            client.checkedCart(given)
            println("ok")
            exitProcess(0)
        }
        for (line in generateSequence(::readLine)) {
            val words = line.split(' ')
            val count = words.getOrNull(1)?.toInt()
            val began = System.nanoTime()
            when (words[0]) {
                "sign-in" -> client.signIn()
                "open" -> client.open()
                "carts" -> repeat(count!!) { client.checkedCart(given) }
                "carts-at-once" -> atOnce(count!!) { client.checkedCart(given) }
                "wishlists-at-once" -> atOnce(count!!) { check(client.wishlist() == 3) }
                "settle" -> System.gc()
                "end" -> exitProcess(0)
                else -> error(line)
            }
            println(if (count == null) "ok" else (System.nanoTime() - began).toString())
        }
        exitProcess(0)
    }

private suspend fun Side.checkedCart(given: Given) {
    check(cart() == Pair(given.lines, given.lines * PIECES))
}

private suspend fun atOnce(
    count: Int,
    read: suspend () -> Unit,
): Unit =
    coroutineScope {
        (1..count).map { async { read() } }.awaitAll()
    }
