// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A smart account for tests: several calls in one transaction, and it can refuse money.
/// @notice Open to every caller, so it must never hold anything of worth. One proxy may call
/// another, so two parties of one escrow can approve in a single transaction.
contract PartyProxy {
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    error MoneyRefused();

    bool public refusesMoney;

    receive() external payable {
        if (refusesMoney) revert MoneyRefused();
    }

    function setRefusesMoney(bool refuses) external {
        refusesMoney = refuses;
    }

    /// @notice Runs the calls in order; the first that fails undoes all, with its own error.
    function execute(Call[] calldata calls) external payable {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, bytes memory result) = calls[i].target.call{value: calls[i].value}(calls[i].data);
            if (!ok) {
                assembly ("memory-safe") {
                    revert(add(result, 0x20), mload(result))
                }
            }
        }
    }
}
